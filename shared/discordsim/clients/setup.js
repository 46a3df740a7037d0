// What each script needs of the simulator whose URL is its argument: an application, its guild and somebody in it. The
// script must end within 30 seconds, and calls done at its end.
import { Simulator } from 'discordsim'

const url = process.argv[2]
if (!url) {
  console.error(`usage: node ${process.argv[1]} http://127.0.0.1:8081`)
  process.exit(2)
}
const deadline = setTimeout(() => { console.error('nothing happened for 30 s'); process.exit(1) }, 30_000)

export const sim = new Simulator(url)
export const [app] = await sim.applications()
export const { guilds: [guild] } = await sim.world()
export const alice = await sim.person('alice')
export const done = () => clearTimeout(deadline)
