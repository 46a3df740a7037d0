package errs

// Meaning pairs a code with its explanation for API users.
type Meaning struct {
	Code  Code
	Means string // a clause without a full stop, in English
}

// Codes lists every code, with its meaning.
func Codes() []Meaning {
	return []Meaning{
		{Invalid, "the input is wrong (see field)"},
		{Unauthorized, "nobody is signed in"},
		{Forbidden, "signed in, but not allowed"},
		{NotFound, "it doesn't exist, or you may not see it"},
		{Conflict, "somebody else changed it in the meantime"},
		{InProgress, "the same request is still running (see retry_after)"},
		{RoomNotFound, "the room doesn't exist, or you may not see it"},
		{RoomFull, "every seat is taken"},
		{RoomLimit, "the member or the server has reached its limit of rooms"},
		{TokenInvalid, "Snug didn't issue this token, or issued it for something else"},
		{TokenExpired, "the token has expired"},
		{TokenRevoked, "the invite link was revoked"},
		{TokenUsedUp, "the invite link has no uses left"},
		{GuildJoinDenied, "the person isn't in the server and couldn't be added"},
		{NotInVoice, "the person must be in a voice channel first"},
		{MissingPermission, "the bot is missing a permission in the server"},
		{RateLimited, "too many requests (see retry_after)"},
		{DiscordUnavailable, "Discord didn't answer, or answered 5xx"},
		{Unavailable, "a part of Snug isn't ready"},
		{Internal, "a bug or a broken disk; the log has the cause"},
	}
}
