import httpx


def session(login, account):
    with httpx.Client() as client:
        client.post(login, data={"user": "ada"})
        return client.get(account).text
