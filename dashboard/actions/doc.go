// Package actions is what people and programs can have Snug do, one function a
// use case: open a room, change it, invite, follow an invite, save settings,
// make tokens and webhooks, export and erase what is stored of a person. Pages
// and API call the same functions and differ in how they ask and show alone.
//
// It decides nothing about rooms. Who may see, enter and control one is for the
// bot's process that holds the guild to say, which they call over the hub;
// here refusals are made to look alike where they would tell of a room, reads
// are answered from what was last known while no process holds the guild, and
// what every page needs is followed: which guild a room is in, which guilds
// there are, how people are called.
//
// It knows nothing of requests, pages and JSON operations.
package actions
