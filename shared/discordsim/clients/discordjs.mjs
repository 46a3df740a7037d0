// discord.js against the simulator: what every bot does. It takes the simulator's URL as its argument, and ends with
// status 0 when all went as it should.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ChannelType, Client, Events, GatewayIntentBits, MessageFlags, OverwriteType, PermissionFlagsBits, version } from 'discord.js'
import { alice, app, done, guild, sim } from './setup.js'

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
  rest: { api: sim.api },
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
await alice.join(room.id, guild.id)
let [, now] = await seen
assert.equal(now.channelId, room.id)
assert.equal(room.members.size, 1)
console.log(`${now.member.displayName} is in voice`)

client.on(Events.InteractionCreate, async (i) => {
  await i.deferReply({ flags: MessageFlags.Ephemeral })
  await i.editReply('pong')
  await i.followUp({ content: 'and more', flags: MessageFlags.Ephemeral })
})
const answer = await alice.command('ping', { guild: guild.id })
assert.equal(answer.deferred, true)
assert.equal(answer.ephemeral, true)
console.log('answered a command, deferred and with a follow-up')

const resumed = once(client, Events.ShardResume)
await sim.fault({ kind: 'op7' })
await resumed
seen = once(client, Events.VoiceStateUpdate)
await alice.leave(guild.id)
;[, now] = await seen
assert.equal(now.channelId, null)
console.log('resumed after op 7 and missed nothing')

await room.delete('the end')
assert.equal(here.channels.cache.has(room.id), false)
await client.destroy()
done()
console.log('left')
