import httpx


def basic_auth(url):
    return httpx.get(url, auth=("ada", "s3cret")).text
