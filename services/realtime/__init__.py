"""Pushes to browsers over WebSocket: to a user on whichever instance holds the socket, and to everybody in a room."""
