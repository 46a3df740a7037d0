// Acting in the world: requests to the control interface (PROTOCOL.md).

/** What the service said when it refused: Discord's form, kept whole. */
export class Refused extends Error {
  constructor(status, body) {
    super(refusal(status, body));
    this.status = status;
    this.code = body?.code;
    this.fields = new Map(); // the path of what is wrong, such as "options.seats", → sentences
    collect(body?.errors, [], this.fields);
  }
}

function collect(tree, path, out) {
  if (!tree || typeof tree !== "object") return;
  for (const [k, v] of Object.entries(tree)) {
    if (k === "_errors") out.set(path.join("."), v.map((e) => e.message).join(" "));
    else collect(v, [...path, k], out);
  }
}

function refusal(status, body) {
  const fields = new Map();
  collect(body?.errors, [], fields);
  const what = [...fields].map(([path, text]) => `${path.replace(/^options\./, "")}: ${text}`).join(" ");
  const message = body?.message || `The simulator answered ${status}.`;
  if (what) return what;
  return body?.code ? `${message} (${body.code})` : message;
}

export async function request(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, { message: "The simulator cannot be reached. Is it still running?" });
  }
  const data = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, data);
  return data;
}

const control = (method) => (path, body) => request(method, `/_sim/${path}`, body);
export const get = control("GET");
export const post = control("POST");
export const put = control("PUT");
export const patchTo = control("PATCH");
export const remove = control("DELETE");

/** Acts as one user. */
export class Actor {
  constructor(id) {
    this.id = id;
    this.base = `users/${id}`;
  }

  voice(guild, change) {
    return post(`${this.base}/voice`, { guild_id: guild, ...change });
  }
  commands(guild, channel) {
    return get(
      `${this.base}/commands?${new URLSearchParams(guild ? { guild_id: guild, channel_id: channel ?? "" } : {})}`,
    );
  }
  run(command) {
    return post(`${this.base}/commands`, command);
  }
  autocomplete(command) {
    return post(`${this.base}/autocomplete`, command);
  }
  component(message, custom, values) {
    return post(`${this.base}/components`, { message_id: message, custom_id: custom, values });
  }
  modal(custom, fields) {
    return post(`${this.base}/modals`, { custom_id: custom, fields });
  }
  dismiss(custom) {
    return remove(`${this.base}/modals`, { custom_id: custom });
  }
  write(channel, content) {
    return post(`${this.base}/messages`, { channel_id: channel, content });
  }
  useInvite(code) {
    return post(`${this.base}/invites`, { code });
  }
  acceptRules(guild) {
    return post(`${this.base}/screening`, { guild_id: guild });
  }
  settings(change) {
    return patchTo(this.base, change);
  }
  /** What Discord's client sends to its API. */
  api(method, path, body) {
    return request(method, `/_sim/${this.base}/api${path}`, body);
  }
  state() {
    return get(`state?user=${this.id}`);
  }
}

/** What an invite leads to, as REST tells anybody. */
export const invite = (code) => request("GET", `/api/v10/invites/${encodeURIComponent(code)}`);
