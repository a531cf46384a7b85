"""Upper bounds for what is parsed. Nothing larger is looked at."""

MAX_COMMIT_BYTES = 1 << 20  # one framed commit or proposal
MAX_WELCOME_BYTES = 8 << 20
MAX_GROUP_INFO_BYTES = 8 << 20
MAX_TREE_BYTES = 8 << 20
MAX_KEY_PACKAGE_BYTES = 64 << 10
MAX_TREE_WIDTH = 1 << 14  # leaf slots, blank ones included
MAX_GENERATION_GAP = 1_000  # message keys derived ahead for one sender
MAX_SKIPPED_KEYS = 1_000  # message keys kept for messages that are still under way
MAX_EXPORT_BYTES = 255 * 32  # RFC 5869 §2.3
KEPT_RESUMPTION_PSKS = 16  # epochs
