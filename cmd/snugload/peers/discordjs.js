// A bot with discord.js that does nothing but be in its servers; snugload's guilds_bot.go says what it must do.
import { Client, Events, GatewayIntentBits } from "discord.js";

const want = Number(process.env.GUILDS);
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
  rest: { api: process.env.SNUG_DISCORD_URL + "/api" },
});
let said = false;
const look = () => {
  if (said || client.guilds.cache.filter((g) => g.available).size < want) return;
  said = true;
  console.error(JSON.stringify({ level: "INFO", msg: "all servers are loaded" }));
};
client.on(Events.ClientReady, look);
client.on(Events.GuildCreate, look);
client.on(Events.GuildAvailable, look);
process.on("SIGINT", () => process.exit(0));
await client.login(process.env.DISCORD_BOT_TOKEN);
