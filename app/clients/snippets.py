"""Programs to paste. URL, NAME and TOKEN are replaced by the address, the server's name and the token's
variable.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Snippet:
    """A program, and the packages it needs."""

    packages: str
    code: str


PYTHON = Snippet(
    '"mcp>=2" httpx2',
    """\
import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main():
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
    async with httpx2.AsyncClient(headers=headers, timeout=300) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            for tool in (await client.list_tools()).tools:
                print(tool.name)
            answer = await client.call_tool("hub_list_connections", {})
            print(answer.structured_content["message"])


asyncio.run(main())
""",
)

LANGCHAIN = Snippet(
    "langchain langchain-google-genai langchain-mcp-adapters",
    """\
import asyncio
import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient

SERVERS = {
    NAME: {
        "transport": "streamable_http",
        "url": URL,
        "headers": {"Authorization": "Bearer " + os.environ["TOKEN"]},
    }
}


async def main():
    tools = await MultiServerMCPClient(SERVERS).get_tools()
    agent = create_agent("google_genai:gemini-2.5-flash", tools)
    answer = await agent.ainvoke({"messages": "What is connected?"})
    print(answer["messages"][-1].text)


asyncio.run(main())
""",
)

OPENAI_AGENTS = Snippet(
    "openai-agents",
    """\
import asyncio
import os

from agents import Agent, Runner
from agents.mcp import MCPServerStreamableHttp


async def main():
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
    async with MCPServerStreamableHttp(name=NAME, params={"url": URL, "headers": headers}) as server:
        agent = Agent(name="Assistant", mcp_servers=[server])
        result = await Runner.run(agent, "What is connected?")
        print(result.final_output)


asyncio.run(main())
""",
)

OPENAI_RESPONSES = Snippet(
    "openai",
    """\
import os

from openai import OpenAI

response = OpenAI().responses.create(
    model="gpt-5",
    tools=[
        {
            "type": "mcp",
            "server_label": NAME,
            "server_url": URL,
            "headers": {"Authorization": "Bearer " + os.environ["TOKEN"]},
            "require_approval": "always",
        }
    ],
    input="What is connected?",
)
print(response.output_text)
""",
)
