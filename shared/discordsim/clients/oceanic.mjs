// oceanic.js against the simulator: it is told where the REST API is, asks that for the gateway, answers a command,
// and resumes. Its argument and its end are as in discordjs.mjs. Where it finds erlpack it speaks Erlang's terms, and
// COMPRESS names a compression of the stream; ENCODING says what it should speak.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Client } from 'oceanic.js'
import { alice, app, done, guild, sim } from './setup.js'

const client = new Client({
  auth: `Bot ${app.bot_token}`,
  gateway: { intents: ['GUILDS', 'GUILD_VOICE_STATES'], compress: process.env.COMPRESS || false },
  rest: { baseURL: sim.api + '/v10' },
})
client.on('error', (err) => { throw err })
const ready = once(client, 'ready')
await client.connect()
await ready
const { url } = client.shards.get(0).ws
assert.equal(new URL(url).searchParams.get('encoding'), process.env.ENCODING ?? 'json', url)
assert.equal(client.guilds.get(guild.id).channels.size, guild.channels.length)

await client.application.bulkEditGlobalCommands([{ type: 1, name: 'ping', description: 'Says pong' }])
client.on('interactionCreate', (i) => i.createMessage({ content: 'pong' }))
const answer = await alice.command('ping', { guild: guild.id })
assert.equal(answer.content, 'pong')
console.log('answered a command')

const resumed = once(client, 'shardResume')
await sim.fault({ kind: 'op7' })
await resumed
const seen = once(client, 'voiceChannelJoin')
const lounge = guild.channels.find((c) => c.type === 2)
await alice.join(lounge.id, guild.id)
const [member] = await seen
assert.equal(member.id, alice.id)
console.log('resumed after op 7 and missed nothing')

client.disconnect(false)
done()
