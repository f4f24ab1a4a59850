import ssl

import httpx


def custom_root_ca(url, pem):
    return httpx.get(url, verify=ssl.create_default_context(cadata=pem)).text
