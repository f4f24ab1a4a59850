import httpx


def proxy(url, proxy):
    return httpx.get(url, proxy=proxy).text
