import ssl

import httpx


def custom_root_ca(url, pem):
    context = ssl.create_default_context(cadata=pem)
    return httpx.get(url, verify=context).text
