import httpx


def upload(url, path):
    with open(path, "rb") as file:
        return httpx.post(url, data={"title": "Notes"}, files={"file": file}).text
