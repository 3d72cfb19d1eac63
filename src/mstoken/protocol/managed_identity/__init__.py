"""The dialects of managed identity, one file each: build the request, know its errors and how to ask again."""
