"""discord.py against the simulator: what every bot does. Its argument and its end are as in discordjs.mjs."""
import asyncio
import json
import sys
import urllib.request

import discord
import yarl
from discord import app_commands

if len(sys.argv) != 2:
    sys.exit(f'usage: {sys.argv[0]} http://127.0.0.1:8081')
SIM = sys.argv[1]

# As docs/simulator-libraries.md says.
discord.http.Route.BASE = SIM + '/api/v10'
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(SIM.replace('http', 'ws', 1) + '/')


def control(method, path, body=None):
    """Asks the simulator's control interface."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f'{SIM}/_sim/{path}', data, method=method)) as res:
        text = res.read()
        return json.loads(text) if text else None


async def act(method, path, body=None):
    return await asyncio.to_thread(control, method, path, body)


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents(guilds=True, voice_states=True, guild_messages=True))
        self.tree = app_commands.CommandTree(self)
        self.voice = asyncio.Queue()
        self.resumed = asyncio.Event()

    async def on_voice_state_update(self, member, _, after):
        await self.voice.put((member.id, after.channel and after.channel.id))

    async def on_resumed(self):
        self.resumed.set()


async def main():
    app = (await act('GET', 'applications'))['applications'][0]
    world = await act('GET', 'state')
    guild, alice = world['guilds'][0], next(u for u in world['users'] if u['username'] == 'alice')
    lounge = next(c for c in guild['channels'] if c['type'] == 2)
    bot = Bot()

    @bot.tree.command(description='Says pong')
    async def ping(interaction: discord.Interaction):
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send('pong')

    async with bot:
        running = asyncio.create_task(bot.start(app['bot_token']))
        await bot.wait_until_ready()
        assert bot.get_guild(int(guild['id'])).name == guild['name']
        print(f'discord.py {discord.__version__} is ready in {guild["name"]}')
        await bot.tree.sync()
        who = f'users/{alice["id"]}'
        answer = await act('POST', who + '/commands', {'guild_id': guild['id'], 'name': 'ping'})
        assert answer['content'] == 'pong' and answer['ephemeral'], answer
        print('answered a command, deferred')
        await act('POST', 'faults', {'kind': 'op7'})
        await bot.resumed.wait()
        await act('POST', who + '/voice', {'guild_id': guild['id'], 'channel_id': lounge['id']})
        assert await bot.voice.get() == (int(alice['id']), int(lounge['id']))
        print('resumed after op 7 and missed nothing')
    await asyncio.gather(running, return_exceptions=True)


asyncio.run(asyncio.wait_for(main(), 30))
