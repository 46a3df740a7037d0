package errs

// Meaning pairs a code with its explanation for API users.
type Meaning struct {
	Code  Code
	Means string // a clause without a full stop, in English
}

// Codes lists every code, with its meaning.
func Codes() []Meaning {
	return []Meaning{
		{Invalid, "the input is wrong; Field says where"},
		{Unauthorized, "nobody is signed in"},
		{Forbidden, "signed in, but not allowed"},
		{NotFound, "there is no such thing, or it is not shown to this person"},
		{Conflict, "somebody else changed it meanwhile"},
		{InProgress, "the same request is still being done; RetryAfter says when to ask again"},
		{RoomNotFound, "no such room, or not shown to this person"},
		{RoomFull, "every seat is taken"},
		{RoomLimit, "the member or the server has as many rooms as it may"},
		{TokenInvalid, "not a token we made, or made for something else"},
		{TokenExpired, "a token we made, too old"},
		{TokenRevoked, "an invite that was taken back"},
		{TokenUsedUp, "an invite whose uses are spent"},
		{GuildJoinDenied, "the person is not in the server and could not be let in"},
		{NotInVoice, "the person must first be connected to a voice channel"},
		{MissingPermission, "the bot lacks a permission in the server"},
		{RateLimited, "too often; RetryAfter says when"},
		{DiscordUnavailable, "Discord did not answer, or answered 5xx"},
		{Unavailable, "a part of Snug is not ready"},
		{Internal, "a defect or a broken disk; the log has the cause"},
	}
}
