import httpx


def timeout(url):
    return httpx.get(url, timeout=5).text
