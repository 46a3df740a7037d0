// Acts as the people of a Discord simulator, to test a bot. The simulator's docs say how it is started.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A snowflake. */
export type ID = string

/** Discord's user, as far as most tests need it. */
export interface User { id: ID; username: string; global_name?: string | null; bot?: boolean }

/** A channel of a guild, with Discord's numbers as types: 0 text, 2 voice, 4 category. */
export interface Channel { id: ID; type: number; name: string; parent_id?: ID | null; permissions?: string }

/** A guild with everything in it, as a bot gets it in GUILD_CREATE. */
export interface Guild {
  id: ID
  name: string
  owner_id: ID
  channels: Channel[]
  threads: Channel[]
  roles: { id: ID; name: string; permissions: string }[]
  members: { user: User; nick?: string | null; roles: ID[] }[]
  voice_states: { user_id: ID; channel_id: ID | null }[]
}

/** Discord's message. */
export interface Message {
  id: ID
  channel_id: ID
  author: User
  content: string
  flags: number
  embeds: Record<string, unknown>[]
  components: Record<string, unknown>[]
  [more: string]: unknown
}

/** A form that a person is asked to fill in. */
export interface Modal { custom_id: string; title: string; components: Record<string, unknown>[] }

/** What a person sees after a command, a button, a menu or a form. */
export interface Answer {
  interaction_id: ID
  /** of the first response: 4 message, 5 deferred message, 6 and 7 update, 9 modal */
  type: number
  deferred: boolean
  ephemeral: boolean
  message: Message | null
  modal?: Modal
  content: string
  /** everything that can be read in the message */
  text: string
}

/** An application with what its bot needs to connect. */
export interface Application { id: ID; name: string; bot_token: string; client_secret: string; redirect_uris: string[] }

/** The world, or what one person sees of it. */
export interface World { guilds: Guild[]; users: User[]; messages: Record<ID, Message[]>; modals: Modal[] }

/** Something that goes wrong, such as {kind: 'error', status: 502}. The simulator's protocol lists the kinds. */
export interface Fault {
  kind: string
  id?: number
  count?: number
  route?: string
  event?: string
  status?: number
  delay?: number
  duration?: number
  [more: string]: unknown
}

/** What the simulator prints when it starts. */
export interface Welcome { url: string; api_url: string; gateway_url: string; applications: Application[]; guilds: Pick<Guild, 'id' | 'name' | 'owner_id'>[]; users: (User & { token: string })[] }

export interface Options {
  /** the control token, if the simulator was started with one */
  token?: string
}

export interface Start extends Options {
  /** the program and its arguments; by default discordsim, which must be in the PATH */
  command?: string[]
  /** more arguments, such as ['--world', 'world.yaml'] */
  args?: string[]
}

/** The simulator refused something, as Discord would. */
export class Refused extends Error {
  constructor(readonly request: string, readonly status: number, readonly code: number, message: string,
    readonly errors?: unknown) {
    super(`${request}: ${status} ${message} (code ${code})`)
    this.name = 'Refused'
  }
}

/** A running simulator. */
export class Simulator {
  #process: ChildProcess | undefined
  #token: string | undefined

  /** Connects to one that is running, such as http://127.0.0.1:8081. */
  constructor(readonly url: string, options: Options = {}) {
    this.url = url.replace(/\/$/, '')
    this.#token = options.token
  }

  /** Starts one on a free port. Call stop at the end. */
  static async start(options: Start = {}): Promise<Simulator & { welcome: Welcome }> {
    const [program = 'discordsim', ...first] = options.command ?? []
    const args = [...first, '--json', '--addr', '127.0.0.1:0', ...options.args ?? []]
    if (options.token) args.push('--control-token', options.token)
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const failed = once(child, 'error').then(([err]) => { throw err })
    const ended = once(child, 'exit').then(([code]) => { throw new Error(`${program} ended with ${code}`) })
    const line = once(createInterface({ input: child.stdout }), 'line')
    failed.catch(() => {})
    ended.catch(() => {})
    const [json] = await Promise.race([line, failed, ended]) as [string]
    const welcome = JSON.parse(json) as Welcome
    const sim = new Simulator(welcome.url, options)
    sim.#process = child
    return Object.assign(sim, { welcome })
  }

  /** Ends a simulator that start started. */
  async stop(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }

  /** Where REST is, without a version: discord.js's rest.api. */
  get api(): string { return this.url + '/api' }

  /** What clients connect to that don't ask REST for it. */
  get gateway(): string { return this.url.replace(/^http/, 'ws') }

  /** Sends a request of the control interface: /_sim/openapi.json lists them. */
  async request<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {}
    if (this.#token) headers['Authorization'] = `Bearer ${this.#token}`
    let sent: BodyInit | undefined
    if (body instanceof FormData) sent = body
    else if (body !== undefined) {
      headers['Content-Type'] = 'application/json'
      sent = JSON.stringify(body)
    }
    const res = await fetch(this.url + '/_sim' + path, { method, headers, body: sent })
    const text = await res.text()
    if (res.ok) return (text ? JSON.parse(text) : undefined) as T
    let refusal: { code?: number; message?: string; errors?: unknown } = {}
    try { refusal = JSON.parse(text) } catch { refusal = { message: text } }
    throw new Refused(`${method} ${path}`, res.status, refusal.code ?? 0, refusal.message ?? res.statusText,
      refusal.errors)
  }

  /** Everything there is, or what one person sees. */
  world(person?: ID): Promise<World> { return this.request('GET', '/state' + (person ? `?user=${person}` : '')) }

  /** The applications, with their tokens. */
  async applications(): Promise<Application[]> {
    return (await this.request<{ applications: Application[] }>('GET', '/applications')).applications
  }

  /** Acts as somebody: by id or by username. */
  async person(idOrName: string): Promise<Person> {
    const { users } = await this.request<{ users: User[] }>('GET', '/users')
    const user = users.find((u) => u.id === idOrName || u.username === idOrName)
    if (!user) throw new Error(`nobody is ${idOrName}; there are ${users.map((u) => u.username).join(', ')}`)
    return new Person(this, user)
  }

  /** Adds a person, who joins a guild if one is given. */
  async addPerson(username: string, guild?: ID): Promise<Person> {
    return new Person(this, await this.request<User>('POST', '/users', { username, guild_id: guild }))
  }

  /** Waits for a message, and returns it: by a bot, in a channel, with a text in it, newer than another one. */
  async waitForMessage(
    what: { contains?: string; channel?: ID; author?: ID; after?: ID }, seconds?: number,
  ): Promise<Message> {
    return this.request('POST', '/wait', {
      timeout: seconds,
      message: { contains: what.contains, channel_id: what.channel, author_id: what.author, after: what.after },
    })
  }

  /** Waits until somebody is in a voice channel; without one, in none. */
  async waitForVoice(what: { person: ID; channel?: ID; guild?: ID }, seconds?: number): Promise<void> {
    await this.request('POST', '/wait', {
      timeout: seconds, voice: { user_id: what.person, channel_id: what.channel, guild_id: what.guild },
    })
  }

  /** Waits until a guild has a channel with a name. */
  async waitForChannel(guild: ID, name: string, seconds?: number): Promise<Channel> {
    return this.request('POST', '/wait', { timeout: seconds, channel: { guild_id: guild, name } })
  }

  /** Waits until a guild has no channel with a name. */
  async waitUntilGone(guild: ID, name: string, seconds?: number): Promise<void> {
    await this.request('POST', '/wait', { timeout: seconds, channel: { guild_id: guild, name, gone: true } })
  }

  /** Makes something go wrong. */
  fault(fault: Fault): Promise<Fault> { return this.request('POST', '/faults', fault) }

  /** Ends all faults that still wait. */
  clearFaults(): Promise<void> { return this.request('DELETE', '/faults') }

  /** Moves the clock forward: invites, timeouts and interaction tokens expire. */
  async advance(seconds: number): Promise<Date> {
    return new Date((await this.request<{ now: string }>('POST', '/time', { advance: seconds })).now)
  }

  /** Makes the world what it was at the start. */
  reset(): Promise<void> { return this.request('POST', '/reset') }

  /** Returns the world, for restore. */
  snapshot(): Promise<unknown> { return this.request('GET', '/snapshot') }

  /** Makes the world what it was in a snapshot. */
  restore(snapshot: unknown): Promise<void> { return this.request('PUT', '/snapshot', snapshot) }
}

/** One of the people. What Discord would refuse them rejects with Refused. */
export class Person {
  constructor(readonly simulator: Simulator, readonly user: User) {}

  get id(): ID { return this.user.id }

  #act<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.simulator.request<T>(method, `/users/${this.id}${path}`, body)
  }

  /** Sends what their client would send to Discord's API, such as ('PATCH', '/channels/1', {name: 'x'}). */
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#act(method, '/api' + path, body)
  }

  /** Uses a command and returns what they see of the answer. Without a guild, in direct messages. */
  command(name: string, where: { guild?: ID; channel?: ID; target?: ID } = {}, options: Record<string, unknown> = {},
  ): Promise<Answer> {
    return this.#act('POST', '/commands', {
      name, guild_id: where.guild, channel_id: where.channel, target_id: where.target, options,
    })
  }

  /** Asks what a command suggests for one option while the others are as given. */
  async suggestions(name: string, focused: string, options: Record<string, unknown> = {}, where: { guild?: ID } = {},
  ): Promise<{ name: string; value: unknown }[]> {
    const got = await this.#act<{ choices: { name: string; value: unknown }[] }>('POST', '/autocomplete', {
      name, focused, options, guild_id: where.guild,
    })
    return got.choices
  }

  /** Presses a button, by custom id or label, or chooses values in a menu. */
  press(message: { id: ID }, customID: string, ...values: string[]): Promise<Answer> {
    return this.#act('POST', '/components', { message_id: message.id, custom_id: customID, values })
  }

  /** Submits the form that they have open. */
  submit(customID: string, fields: Record<string, string | string[] | boolean>): Promise<Answer> {
    return this.#act('POST', '/modals', { custom_id: customID, fields })
  }

  /** Joins a voice channel, or moves there. */
  async join(channel: ID, guild?: ID): Promise<void> {
    await this.#act('POST', '/voice', { guild_id: guild, channel_id: channel })
  }

  /** Leaves voice. */
  async leave(guild?: ID): Promise<void> { await this.#act('POST', '/voice', { guild_id: guild, channel_id: null }) }

  /** Writes a message, with files if there are any. */
  send(channel: ID, content: string, files: { name: string; data: Blob | string }[] = []): Promise<Message> {
    const path = `/channels/${channel}/messages`
    if (files.length === 0) return this.request('POST', path, { content })
    const form = new FormData()
    form.set('payload_json', JSON.stringify({ content, attachments: files.map((_, id) => ({ id })) }))
    files.forEach((f, i) => form.set(`files[${i}]`, typeof f.data === 'string' ? new Blob([f.data]) : f.data, f.name))
    return this.request('POST', path, form)
  }

  /** Replies to a message. */
  reply(to: Message, content: string): Promise<Message> {
    return this.request('POST', `/channels/${to.channel_id}/messages`, {
      content, message_reference: { message_id: to.id },
    })
  }

  /** Edits a message of their own. */
  edit(message: Message, content: string): Promise<Message> { return this.request('PATCH', at(message), { content }) }

  /** Deletes a message. */
  delete(message: Message): Promise<void> { return this.request('DELETE', at(message)) }

  /** Reacts with an emoji. */
  react(message: Message, emoji: string): Promise<void> {
    return this.request('PUT', `${at(message)}/reactions/${encodeURIComponent(emoji)}/@me`)
  }

  /** Removes a reaction of their own. */
  unreact(message: Message, emoji: string): Promise<void> {
    return this.request('DELETE', `${at(message)}/reactions/${encodeURIComponent(emoji)}/@me`)
  }

  /** Writes a direct message, to a bot for example. */
  async dm(to: ID, content: string): Promise<Message> {
    const channel = await this.request<{ id: ID }>('POST', '/users/@me/channels', { recipient_id: to })
    return this.send(channel.id, content)
  }

  /** Starts a thread from a message. */
  thread(from: Message, name: string): Promise<Channel> { return this.request('POST', at(from) + '/threads', { name }) }

  /** Accepts a guild's rules, where it has membership screening. */
  acceptRules(guild?: ID): Promise<void> { return this.#act('POST', '/screening', { guild_id: guild }) }

  /** Joins a guild by an invite of Discord's. */
  useInvite(code: string): Promise<Pick<Guild, 'id' | 'name'>> { return this.#act('POST', '/invites', { code }) }
}

function at(message: { id: ID; channel_id: ID }): string { return `/channels/${message.channel_id}/messages/${message.id}` }
