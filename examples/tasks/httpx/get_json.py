import httpx


def get_json(url):
    return httpx.get(url).json()
