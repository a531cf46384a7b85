"""How requests come in: HTTP, WebSocket, files."""
