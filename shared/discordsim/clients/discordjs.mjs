// discord.js against the simulator: what every bot does. It takes the
// simulator's URL as its argument, asks the control interface for a token, and
// ends with status 0 when all went as it should.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ChannelType, Client, Events, GatewayIntentBits, MessageFlags, OverwriteType, PermissionFlagsBits, version } from 'discord.js'

const base = process.argv[2]
if (!base) {
  console.error('usage: node discordjs.mjs http://127.0.0.1:8081')
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
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
  rest: { api: base + '/api' },
})
client.on(Events.Error, (err) => { throw err })

const ready = once(client, Events.ClientReady)
await client.login(app.bot_token)
await ready
const here = client.guilds.cache.get(guild.id)
assert.equal(here.name, guild.name)
assert.equal(here.channels.cache.size, guild.channels.length)
console.log(`discord.js ${version} is ready in ${here.name}`)

await client.application.commands.set([{ name: 'ping', description: 'Says pong' }])

const room = await here.channels.create({
  name: 'den',
  type: ChannelType.GuildVoice,
  userLimit: 2,
  permissionOverwrites: [
    { id: here.id, type: OverwriteType.Role, deny: [PermissionFlagsBits.Connect] },
    { id: client.user.id, type: OverwriteType.Member, allow: [PermissionFlagsBits.Connect, PermissionFlagsBits.ManageChannels, PermissionFlagsBits.MoveMembers] },
    { id: alice.id, type: OverwriteType.Member, allow: [PermissionFlagsBits.Connect] },
  ],
})
assert.equal(room.permissionOverwrites.cache.size, 3)
console.log('made a voice channel with overwrites')

let seen = once(client, Events.VoiceStateUpdate)
await control('POST', `/users/${alice.id}/voice`, { guild_id: guild.id, channel_id: room.id })
let [, now] = await seen
assert.equal(now.channelId, room.id)
assert.equal(room.members.size, 1)
console.log(`${now.member.displayName} is in voice`)

client.on(Events.InteractionCreate, async (i) => {
  await i.deferReply({ flags: MessageFlags.Ephemeral })
  await i.editReply('pong')
  await i.followUp({ content: 'and more', flags: MessageFlags.Ephemeral })
})
const answer = await control('POST', `/users/${alice.id}/commands`, { guild_id: guild.id, name: 'ping' })
assert.equal(answer.deferred, true)
assert.equal(answer.ephemeral, true)
console.log('answered a command, deferred and with a follow-up')

const resumed = once(client, Events.ShardResume)
await control('POST', '/faults', { kind: 'op7' })
await resumed
seen = once(client, Events.VoiceStateUpdate)
await control('POST', `/users/${alice.id}/voice`, { guild_id: guild.id, channel_id: null })
;[, now] = await seen
assert.equal(now.channelId, null)
console.log('resumed after op 7 and missed nothing')

await room.delete('the end')
assert.equal(here.channels.cache.has(room.id), false)
await client.destroy()
clearTimeout(deadline)
console.log('left')
