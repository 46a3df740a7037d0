// Package standin is a simulated Discord: gateway, REST, OAuth2 and a page to
// act as its members, on loopback. Any client library connects to it; nothing
// in it knows the bot that is being tried.
package standin
