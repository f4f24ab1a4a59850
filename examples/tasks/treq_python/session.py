from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.web.client import Agent


async def session(login, account):
    client = HTTPClient(Agent(reactor))
    await client.post(login, data={"user": "ada"})
    response = await client.get(account)
    return await response.text()
