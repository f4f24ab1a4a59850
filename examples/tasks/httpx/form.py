import httpx


def form(url):
    return httpx.post(url, data={"user": "ada", "tea": "green"}).text
