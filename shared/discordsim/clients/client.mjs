// The simulator's own client: what people do with it, and how Discord refuses.
import assert from 'node:assert/strict'
import { Refused, Simulator } from 'discordsim'
import { alice, app, done, guild, sim } from './setup.js'

const bot = async (method, path, body) => {
  const res = await fetch(`${sim.api}/v10${path}`, {
    method, body: body && JSON.stringify(body),
    headers: { Authorization: `Bot ${app.bot_token}`, 'Content-Type': 'application/json' },
  })
  assert.ok(res.ok, `${method} ${path}: ${res.status}`)
  return res.status === 204 ? null : res.json()
}
const general = guild.channels.find((c) => c.name === 'general').id
const lounge = guild.channels.find((c) => c.type === 2).id
const start = await sim.snapshot()

const message = await alice.send(general, 'hello', [{ name: 'map.txt', data: 'here' }])
assert.equal(message.attachments[0].filename, 'map.txt')
assert.equal((await alice.edit(message, 'hello all')).content, 'hello all')
await alice.react(message, '👍')
await alice.unreact(message, '👍')
const chiyo = await sim.person('chiyo')
assert.equal((await chiyo.reply(message, 'hi')).referenced_message.id, message.id)
const thread = await chiyo.thread(message, 'Talk')
assert.equal((await chiyo.send(thread.id, 'in here')).channel_id, thread.id)
await assert.rejects(chiyo.delete(message), (err) => err instanceof Refused && err.status === 403 && err.code === 50013)
await alice.delete(message)
const dm = await alice.dm(app.id, 'psst')
assert.equal((await bot('GET', `/channels/${dm.channel_id}/messages`))[0].content, 'psst')
console.log('people wrote, replied, reacted and started a thread')

const waiting = sim.waitForMessage({ contains: 'welcome', author: app.id }, 20)
await bot('POST', `/channels/${dm.channel_id}/messages`, { content: 'you are welcome' })
assert.equal((await waiting).content, 'you are welcome')
await chiyo.join(lounge, guild.id)
await sim.waitForVoice({ person: chiyo.id, channel: lounge })
await chiyo.leave(guild.id)
await sim.waitForVoice({ person: chiyo.id })
await sim.waitForChannel(guild.id, 'general')
await sim.waitUntilGone(guild.id, 'nowhere')
await assert.rejects(sim.waitForMessage({ contains: 'never' }, 0.01), (err) => err.status === 504)
console.log('waited for a message, voice and channels')

const before = await sim.advance(0)
assert.equal(await sim.advance(60) >= new Date(before.getTime() + 60_000), true)
await sim.fault({ kind: 'error', status: 502 })
await sim.clearFaults()
const zoe = await sim.addPerson('zoe', guild.id)
assert.equal((await sim.person('zoe')).id, zoe.id)
await assert.rejects(sim.person('nobody'), /there are alice/)
await sim.restore(start)
await assert.rejects(sim.person('zoe'))
assert.equal(new Simulator(sim.url + '/').gateway, sim.url.replace('http', 'ws'))

if (process.env.DISCORDSIM) {
  const own = await Simulator.start({ command: [process.env.DISCORDSIM], args: ['--bot', 'MTIz.x.y'] })
  assert.equal((await own.applications()).length, own.welcome.applications.length)
  assert.equal(own.welcome.users[0].username, 'alice')
  await own.stop()
  await assert.rejects(own.world())
  await assert.rejects(Simulator.start({ command: [process.env.DISCORDSIM], args: ['--world', 'missing'] }), /ended with/)
  await assert.rejects(Simulator.start({ command: ['no-such-program'] }), /ENOENT/)
  console.log('started and stopped one')
}
done()
console.log('moved the clock and the world')
