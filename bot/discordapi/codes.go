package discordapi

import (
	"net/http"

	"github.com/disgoorg/disgo/rest"

	"snug/shared/errs"
)

// class is a kind of refusal: all its codes have the same cause for the user and the same next step.
type class int

const (
	classUnknown    class = iota // a code missing from the table: the HTTP status decides
	classGone                    // the object doesn't exist, or not any more
	classPermission              // the bot is missing a permission, or can't see the object
	classTwoFactor               // the owner of the application must enable two-factor authentication
	classChannels                // the server's limit of channels
	classOverwrites              // the channel's limit of permission overwrites
	classInvites                 // the server's limit of invites
	classGuilds                  // the user's limit of servers
	classMembers                 // the server's limit of members
	classFull                    // any other limit on a number of objects
	classSlow                    // too many requests, or too much at once
	classDirectSlow              // too many new direct messages
	classOff                     // temporarily disabled by Discord
	classNoDirect                // the user doesn't accept direct messages
	classNoShared                // the bot shares no server with the user
	classWords                   // words that aren't allowed there
	classNotInVoice              // the user isn't connected to voice
	classBanned                  // the user is banned from the server
	classAccount                 // the user's account may not do that, or not yet
	classSignIn                  // the user's OAuth2 authorization doesn't cover it
	classToken                   // the bot's token, or the address its requests come from
	classBoosts                  // the server needs more boosts, or hasn't enabled a feature
	classForm                    // an invalid form body; its errors field has the details
	classDefect                  // a request that makes no sense: a bug in Snug
	classElsewhere               // for parts of the API that Snug doesn't use: a bug, should it ever arrive
)

// classes has, for each class, Discord's JSON error codes and the error for users. err is nil if the
// error depends on the call (see explained). Together with the undocumented ones marked below, these are
// all codes of https://docs.discord.com/developers/topics/opcodes-and-status-codes#json.
var classes = map[class]struct {
	codes []rest.JSONErrorCode
	joins bool // it's about a user whom Snug adds to a server with their own sign-in, and a defect anywhere else
	err   *errs.Error
}{
	classGone: {
		codes: []rest.JSONErrorCode{
			10001, 10002, 10003, 10004, 10006, 10007, 10008, 10009, 10011, 10012, 10013, 10014, 10015, 10020,
			10026, 10062, 10063, 10065, 10066, 10124, 10129, 50019,
		},
		err: errs.E(errs.NotFound,
			"Discord can't find it. Check whether it still exists."),
	},
	classPermission: {
		codes: []rest.JSONErrorCode{20012, 20018, 50001, 50013, 50173, 50600, 160002, 160014},
	},
	classTwoFactor: {
		codes: []rest.JSONErrorCode{50017, 60003},
		err: errs.E(errs.MissingPermission,
			"This server requires two-factor authentication for moderation. Let the person who hosts "+
				"Snug know: the Discord account that owns Snug's application has to turn it on."),
	},
	classChannels: {
		codes: []rest.JSONErrorCode{30013},
		err: errs.E(errs.RoomLimit,
			"This server has as many channels as Discord allows (500). Delete one, then try again."),
	},
	classOverwrites: {
		codes: []rest.JSONErrorCode{30060},
		err: errs.E(errs.RoomLimit,
			"This room has as many guests and bans as Discord allows (1,000). Kick or unban somebody, "+
				"then try again."),
	},
	classInvites: {
		codes: []rest.JSONErrorCode{30016},
		err: errs.E(errs.Invalid,
			"This server has as many Discord invites as Discord allows (1,000). Delete some under Server "+
				"Settings → Invites, then try again."),
	},
	classGuilds: {
		codes: []rest.JSONErrorCode{30001}, joins: true,
		err: errs.E(errs.GuildJoinDenied,
			"You're in as many servers as Discord allows. Leave one, then open this link again."),
	},
	classMembers: {
		codes: []rest.JSONErrorCode{30019, 30061}, joins: true,
		err: errs.E(errs.GuildJoinDenied,
			"This server has as many members as Discord allows, so nobody can join it. Ask one of its managers."),
	},
	classFull: {
		codes: []rest.JSONErrorCode{
			30003, 30005, 30007, 30008, 30010, 30015, 30018, 30030, 30032, 30033, 30035, 30038, 30039, 30045,
			30047, 30048, 30056, 30058, 160006, 160007,
		},
		err: errs.E(errs.Invalid,
			"Discord doesn't allow any more of these. Remove one you don't need, then try again."),
	},
	classSlow: {
		codes: []rest.JSONErrorCode{
			20016, 20022, 20028, 20029, 30034, 30037, 30040, 30042, 30046, 40062, 40094, 110000, 110001,
			130000, 530006,
		},
		err: errs.E(errs.RateLimited,
			"Discord asked Snug to slow down. Try again in a moment."),
	},
	classDirectSlow: {
		codes: []rest.JSONErrorCode{20026, 40003}, // 20026 is undocumented; quarantined bots report it
		err: errs.E(errs.RateLimited,
			"Discord isn't letting Snug message anyone new for a while. Try again later, or message them yourself."),
	},
	classOff: {
		codes: []rest.JSONErrorCode{40004, 40006, 400001},
		err: errs.E(errs.RateLimited,
			"Discord has turned this off for now. Try again later."),
	},
	classNoDirect: {
		codes: []rest.JSONErrorCode{50007, 50033},
		err: errs.E(errs.Forbidden,
			"This user doesn't accept direct messages from this server."),
	},
	classNoShared: {
		codes: []rest.JSONErrorCode{50278},
		err: errs.E(errs.Forbidden,
			"Snug can't message this user because they share no server. They have to join this server first."),
	},
	classWords: {
		codes: []rest.JSONErrorCode{20009, 20031, 90001, 200000, 200001, 240000},
		err: errs.E(errs.Invalid,
			"Discord doesn't allow those words here: the server's AutoMod or Server Discovery may block "+
				"them. Choose others."),
	},
	classNotInVoice: {
		codes: []rest.JSONErrorCode{40032},
		err: errs.E(errs.NotInVoice,
			"You aren't connected to voice. Join a voice channel first."),
	},
	classBanned: {
		codes: []rest.JSONErrorCode{40007}, joins: true,
		err: errs.E(errs.GuildJoinDenied,
			"You're banned from this server, so you can't join it. If you think that's a mistake, ask "+
				"one of its managers."),
	},
	classAccount: {
		codes: []rest.JSONErrorCode{20024, 30002, 30004, 30011, 40002, 50009, 50178, 340015}, joins: true,
		err: errs.E(errs.GuildJoinDenied,
			"Discord doesn't let your account do that yet; you may have to verify it first. Check what "+
				"Discord's app asks of you, then try again."),
	},
	classSignIn: {
		codes: []rest.JSONErrorCode{40012, 50012, 50020, 50025, 50026, 50036}, joins: true,
		err: errs.E(errs.GuildJoinDenied,
			"Your sign-in doesn't let Snug add you to the server. Sign in again, then open this link again."),
	},
	classToken: {
		codes: []rest.JSONErrorCode{40001, 40333, 50010, 50014, 50027, 50041, 50067},
		err: errs.E(errs.Internal,
			"Discord doesn't accept Snug's token. Let the person who hosts Snug know: “snug doctor” says "+
				"what to do."),
	},
	classBoosts: {
		codes: []rest.JSONErrorCode{20015, 20035, 30052, 50074, 50086, 50095, 50097, 50101, 350000, 350001},
		err: errs.E(errs.Forbidden,
			"This server's boost level or settings don't allow that. Ask one of its managers."),
	},
	classForm: {
		codes: []rest.JSONErrorCode{50035},
	},
	classDefect: {
		codes: []rest.JSONErrorCode{
			20001, 20002, 40005, 40009, 40041, 40043, 40058, 40060, 50002, 50003, 50005, 50006, 50008, 50011,
			50015, 50016, 50021, 50024, 50028, 50034, 50039, 50045, 50046, 50055, 50068, 50109, 50110, 50123,
			50131, 50132, 50138, 50146, 50240,
		}, // 50240 is undocumented
	},
	classElsewhere: {
		codes: []rest.JSONErrorCode{
			10005, 10010, 10016, 10021, 10027, 10028, 10029, 10030, 10031, 10032, 10033, 10036, 10038, 10049,
			10050, 10057, 10059, 10060, 10061, 10067, 10068, 10069, 10070, 10071, 10087, 10097, 30031, 40018,
			40019, 40033, 40061, 40066, 40067, 40074, 50004, 50054, 50057, 50070, 50073, 50080, 50081, 50083,
			50084, 50085, 50091, 50124, 50144, 50145, 50151, 50159, 50160, 50161, 50162, 50163, 50167, 50192,
			80004, 90002, 150006, 160004, 160005, 170001, 170002, 170003, 170004, 170005, 170006, 170007,
			180000, 180002, 220001, 220002, 220003, 220004, 500000, 520000, 520001, 520002, 520003, 520004,
			520006, 530000, 530001, 530002, 530003, 530004, 530007,
		},
	},
}

var classByCode = func() map[rest.JSONErrorCode]class {
	out := map[rest.JSONErrorCode]class{}
	for c, row := range classes {
		for _, code := range row.codes {
			out[code] = c
		}
	}
	return out
}()

// classOf returns the class of a JSON error code.
func classOf(code rest.JSONErrorCode) class { return classByCode[code] }

// classOfStatus returns the class of a refusal with an unknown code, by its HTTP status.
func classOfStatus(status int) class {
	switch status {
	case http.StatusUnauthorized:
		return classToken
	case http.StatusForbidden:
		return classPermission
	case http.StatusNotFound:
		return classGone
	case http.StatusTooManyRequests:
		return classSlow
	}
	return classDefect
}

// explained returns the error for users of a class. doing completes "Snug tried to …", and permissions are
// those that the call needs.
func explained(c class, doing, permissions string) *errs.Error {
	if e := classes[c].err; e != nil {
		return e
	}
	if c == classPermission {
		return errs.E(errs.MissingPermission,
			"Snug needs a permission to %s: %s. A manager can grant it to Snug's role under Server "+
				"Settings → Roles.",
			errs.Term(doing), errs.Term(permissions))
	}
	return errs.E(errs.Internal, "Discord refused when Snug tried to %s. Let the person who hosts Snug know.",
		errs.Term(doing))
}

// categoryCrowded means that the category's own overwrites, n of them, leave no space for a room's.
func categoryCrowded(n int) *errs.Error {
	return errs.E(errs.RoomLimit,
		"The category has %d permission overwrites, and a channel can have 1,000, which leaves too "+
			"few for a room. A manager can remove some, or choose another category with /snug settings.",
		n)
}
