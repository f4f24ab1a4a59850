import time

import httpx


def retry(url):
    with httpx.Client(transport=httpx.HTTPTransport(retries=2)) as client:
        for wait in [0.1, 0.2, 0]:
            response = client.get(url)
            if response.status_code != 503:
                break
            time.sleep(wait)
        return response.text
