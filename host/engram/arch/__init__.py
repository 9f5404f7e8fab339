"""The contract every device keeps: laws, number views, layouts; imports nothing of ours."""
