// oceanic.js against the simulator: it is told where the REST API is, asks that for the gateway, answers a command,
// and resumes. Its argument and its end are as in discordjs.mjs.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Client } from 'oceanic.js'

const base = process.argv[2]
if (!base) {
  console.error('usage: node oceanic.mjs http://127.0.0.1:8081')
  process.exit(2)
}
const deadline = setTimeout(() => { console.error('nothing happened for 30 s'); process.exit(1) }, 30_000)

const control = async (method, path, body) => {
  const res = await fetch(base + '/_sim' + path, { method, body: body && JSON.stringify(body) })
  const text = await res.text()
  assert.ok(res.ok, `${method} ${path}: ${res.status} ${text}`)
  return text ? JSON.parse(text) : null
}
const { applications: [app] } = await control('GET', '/applications')
const { guilds: [guild] } = await control('GET', '/state')
const alice = guild.members.find((m) => !m.user.bot).user

const client = new Client({
  auth: `Bot ${app.bot_token}`,
  gateway: { intents: ['GUILDS', 'GUILD_VOICE_STATES'] },
  rest: { baseURL: base + '/api/v10' },
})
client.on('error', (err) => { throw err })
const ready = once(client, 'ready')
await client.connect()
await ready
assert.equal(client.guilds.get(guild.id).channels.size, guild.channels.length)

await client.application.bulkEditGlobalCommands([{ type: 1, name: 'ping', description: 'Says pong' }])
client.on('interactionCreate', (i) => i.createMessage({ content: 'pong' }))
const answer = await control('POST', `/users/${alice.id}/commands`, { guild_id: guild.id, name: 'ping' })
assert.equal(answer.content, 'pong')
console.log('answered a command')

const resumed = once(client, 'shardResume')
await control('POST', '/faults', { kind: 'op7' })
await resumed
const seen = once(client, 'voiceChannelJoin')
const lounge = guild.channels.find((c) => c.type === 2)
await control('POST', `/users/${alice.id}/voice`, { guild_id: guild.id, channel_id: lounge.id })
const [member] = await seen
assert.equal(member.id, alice.id)
console.log('resumed after op 7 and missed nothing')

client.disconnect(false)
clearTimeout(deadline)
