// Package lastknown answers with a member's last known standing while no process of the bot holds
// their guild, and makes responses say how old their contents are.
package lastknown
