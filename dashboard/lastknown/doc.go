// Package lastknown answers for people's standings while no process of the bot
// holds a guild, from what was known within the last minutes, and has answers
// say how old what they show is.
package lastknown
