from concurrent.futures import ThreadPoolExecutor

import httpx


def hundred_urls(urls):
    with httpx.Client() as client, ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda url: client.get(url).text, urls))
