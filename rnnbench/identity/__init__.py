"""What code a result comes from: plug-ins loaded from the bytes that are hashed, and the versions of our own parts."""
