// The page's WebSocket: it comes back by itself, and after each return the
// whole state replaces what was held.

const waits = [250, 500, 1000, 2000, 4000];

/**
 * Live keeps a connection. onMessage(message) gets each message; onState(state)
 * "connecting", "live" or "reconnecting"; onLost() is asked after failures in a
 * row whether to go on: it resolves to false when the person is gone.
 */
export class Live {
  constructor(user, { onMessage, onState, onLost }) {
    Object.assign(this, { user, onMessage, onState, onLost, tries: 0, run: 0 });
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", (e) => e.persisted && this.connect());
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = 0;
    const run = ++this.run;
    this.socket?.close();
    this.onState(this.tries ? "reconnecting" : "connecting", this.tries);
    const ws = new WebSocket(
      `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/_sim/ws?user=${this.user}`,
    );
    this.socket = ws;
    ws.onmessage = (e) => {
      if (run !== this.run) return;
      const m = JSON.parse(e.data);
      this.onMessage(m);
      if (m.type === "state") {
        this.tries = 0;
        this.onState("live");
      }
    };
    ws.onclose = () => run === this.run && this.lost();
  }

  async lost() {
    const run = ++this.run;
    this.tries++;
    this.onState("reconnecting", this.tries);
    if (this.tries > 1 && (await this.onLost()) === false) return;
    if (run !== this.run) return;
    const wait = waits[Math.min(this.tries, waits.length) - 1];
    this.timer = setTimeout(() => this.connect(), wait * (0.8 + Math.random() * 0.4));
  }

  /** Connects now if it is waiting to. */
  hurry() {
    if (this.timer) this.connect();
  }

  stop() {
    this.run++;
    clearTimeout(this.timer);
    this.timer = 0;
    this.socket?.close();
  }
}
