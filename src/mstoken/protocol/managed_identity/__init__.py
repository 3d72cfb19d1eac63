"""The sources of managed identity, one file each: build the request, know its errors and its retry schedule."""
