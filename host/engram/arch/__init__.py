"""The contract every device keeps: laws, number views and layouts; imports nothing else of Engram."""
