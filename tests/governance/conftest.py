from hypothesis import settings

settings.register_profile("governance", deadline=None)
settings.load_profile("governance")
