import httpx


def post_json(url, order):
    return httpx.post(url, json=order).json()
