import httpx


def download(url, path):
    with httpx.stream("GET", url) as response, open(path, "wb") as file:
        total = response.raise_for_status().headers.get("content-length")
        for piece in response.iter_bytes():
            file.write(piece)
            print(f"{response.num_bytes_downloaded} of {total}")
