// A sender with ws and a map of rooms; the package comment of internal/fanout says what it must do.
import { createServer as createControl } from "node:net";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/api/ws" });

server.on("connection", (socket) => {
  socket.once("message", (first) => {
    const room = JSON.parse(first).token;
    if (!rooms.has(room)) rooms.set(room, new Set());
    rooms.get(room).add(socket);
    socket.on("close", () => rooms.get(room).delete(socket));
    socket.send("{}"); // it is connected
  });
  socket.on("error", () => {}); // it closes
});

const publish = (room, mark) => {
  const message = JSON.stringify({
    v: 1, type: "event", event: "voice.joined",
    payload: {
      guildId: "1001", channelId: "2097152000", userId: "2097152000", username: mark,
      avatar: "a_1269e74af4df7417b13759eae50c83dc", displayName: "Nelly", bot: false, muted: false, deafened: false,
      streaming: false, video: false, since: 1767225600000, seat: 0,
    },
    rev: { epoch: "load", n: 100000 }, ts: 1767225600000,
  });
  const data = Buffer.from(message);
  for (const socket of rooms.get(room) ?? []) socket.send(data, { binary: false });
};

const orders = {
  tokens: (o) => ({ tokens: Array.from({ length: o.rooms }, (_, i) => String(i)) }),
  watchers: () => ({ watchers: server.clients.size }),
  settle: () => { globalThis.gc?.(); return {}; },
  profile: () => ({}),
};

const control = createControl((c) => {
  c.on("error", () => {});
  createInterface({ input: c }).on("line", (line) => {
    if (line.startsWith("publish ")) {
      for (const event of line.slice(8).split(" ")) {
        const colon = event.indexOf(":");
        publish(event.slice(0, colon), event.slice(colon + 1));
      }
      return;
    }
    const order = JSON.parse(line);
    const reply = orders[order.do]?.(order) ?? { err: `unknown order ${order.do}` };
    c.write(JSON.stringify(reply) + "\n");
  });
});

server.on("listening", () => {
  control.listen(0, "127.0.0.1", () => {
    const at = (a) => `127.0.0.1:${a.port}`;
    console.log(JSON.stringify({ addr: at(server.address()), control: at(control.address()) }));
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
