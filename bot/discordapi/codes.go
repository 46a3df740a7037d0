package discordapi

import (
	"net/http"

	"github.com/disgoorg/disgo/rest"

	"snug/shared/errs"
)

// class is what a refusal of Discord's means to whoever asked: each has its own
// sentence and next step (see explained).
type class int

// The classes of refusals.
const (
	classUnknown    class = iota // a code that the table does not have: the HTTP status decides
	classGone                    // what was meant is not there (any more)
	classPermission              // the bot lacks a permission, or sight
	classTwoFactor               // the owner of the application needs two-factor authentication
	classChannels                // the server has as many channels as there may be
	classOverwrites              // the channel has as many overwrites as there may be
	classInvites                 // the server has as many invites as there may be
	classGuilds                  // the person is in as many servers as one may be
	classMembers                 // the server has as many members as there may be
	classFull                    // as many of something else as there may be
	classSlow                    // too often, or too much at once: later
	classDirectSlow              // too many direct messages were begun
	classOff                     // Discord has switched something off for now
	classNoDirect                // this person takes no direct messages
	classNoShared                // there is no server that the bot shares with this person
	classWords                   // words that are not allowed there
	classNotInVoice              // the person is not connected to voice
	classBanned                  // the person is banned from the server
	classAccount                 // the person's account may not do that (yet)
	classSignIn                  // the person's sign-in does not allow it
	classToken                   // the bot's own token, or the address it asks from
	classBoosts                  // the server needs more boosts, or has not switched something on
	classForm                    // a form that Discord does not take; its tree says more
	classDefect                  // Snug asked for what makes no sense
	classElsewhere               // of things that Snug does not use: a defect, should it ever come
)

// classOf gives the class of one of Discord's JSON error codes, all of which
// the document lists (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json).
func classOf(code rest.JSONErrorCode) class {
	switch code {
	case 10001, 10002, 10003, 10004, 10006, 10007, 10008, 10009, 10011, 10012, 10013, 10014, 10015, 10020, 10026, 10062,
		10063, 10065, 10066, 10124, 10129, 50019:
		return classGone
	case 50001, 50013, 160002, 160014, 50600, 20018, 20012, 50173:
		return classPermission
	case 60003, 50017:
		return classTwoFactor
	case 30013:
		return classChannels
	case 30060:
		return classOverwrites
	case 30016:
		return classInvites
	case 30001:
		return classGuilds
	case 30019, 30061:
		return classMembers
	case 30003, 30005, 30007, 30008, 30010, 30015, 30018, 30030, 30032, 30033, 30035, 30038, 30039, 30045, 30047, 30048,
		30056, 30058, 160006, 160007:
		return classFull
	case 20016, 20022, 20028, 20029, 30034, 30037, 30040, 30042, 30046, 40062, 40094, 110000, 110001, 130000, 530006:
		return classSlow
	case 40003:
		return classDirectSlow
	case 40004, 40006, 400001:
		return classOff
	case 50007, 50033:
		return classNoDirect
	case 50278:
		return classNoShared
	case 20026: // not documented; bots that were put into quarantine report it
		return classDirectSlow
	case 20009, 20031, 90001, 200000, 200001, 240000:
		return classWords
	case 40032:
		return classNotInVoice
	case 40007:
		return classBanned
	case 20024, 30002, 30004, 30011, 40002, 50009, 50178, 340015:
		return classAccount
	case 40012, 50025, 50026, 50020, 50012, 50036:
		return classSignIn
	case 40001, 40333, 50010, 50014, 50027, 50041, 50067:
		return classToken
	case 20015, 20035, 30052, 50095, 50097, 50101, 50074, 50086, 350000, 350001:
		return classBoosts
	case 50035:
		return classForm
	case 20001, 20002, 40005, 40009, 40041, 40043, 40058, 40060, 50002, 50003, 50005, 50006, 50008, 50011, 50015, 50016,
		50021, 50024, 50028, 50034, 50039, 50045, 50046,
		50055, 50068, 50109, 50110, 50123, 50131, 50132, 50138, 50146, 50240:
		return classDefect
	case 10005, 10010, 10016, 10021, 10027, 10028, 10029, 10030, 10031, 10032, 10033, 10036, 10038, 10049, 10050, 10057,
		10059, 10060, 10061, 10067, 10068, 10069, 10070, 10071,
		10087, 10097, 30031, 40018, 40019, 40033, 40061, 40066, 40067, 40074, 50004, 50054, 50057, 50070, 50073, 50080,
		50081, 50083, 50084, 50085, 50091, 50124, 50144, 50145,
		50151, 50159, 50160, 50161, 50162, 50163, 50167, 50192, 80004, 90002, 150006, 160004, 160005, 170001, 170002,
		170003, 170004, 170005, 170006, 170007, 180000, 180002,
		220001, 220002, 220003, 220004, 500000, 520000, 520001, 520002, 520003, 520004, 520006, 530000, 530001, 530002,
		530003, 530004, 530007:
		return classElsewhere
	}
	return classUnknown
}

// crowded says that a category's own overwrites leave no space for those of a channel in it.
func crowded(n int) *errs.Error {
	return errs.E(errs.RoomLimit,
		"The category has %d permission overwrites, which leaves no space for those of a room: a channel can have 1,000. Somebody who manages the server can remove some there, or choose another category with /snug settings.",
		n)
}

// explained gives the sentence of a class; doing completes "Snug could not …".
func explained(c class, doing, permissions string) *errs.Error {
	switch c {
	case classGone:
		return errs.E(errs.NotFound, "Discord does not know it (any more). Look again whether it is still there.")
	case classPermission:
		return errs.E(errs.MissingPermission,
			"Snug lacks a permission it needs to %s (%s). Somebody who manages the server can grant it to Snug's role under Server Settings → Roles.",
			errs.Term(doing), errs.Term(permissions))
	case classTwoFactor:
		return errs.E(errs.MissingPermission,
			"This server wants two-factor authentication of all who moderate it. Please tell whoever runs Snug: the Discord account that owns Snug's application has to switch it on.")
	case classChannels:
		return errs.E(errs.RoomLimit,
			"This server has as many channels as Discord allows (500). Delete one, then try again.")
	case classOverwrites:
		return errs.E(errs.RoomLimit,
			"This room has as many guests and bans as Discord allows (1,000). Put somebody out or undo a ban, then try again.")
	case classInvites:
		return errs.E(errs.Invalid,
			"This server has as many invites as Discord allows (1,000). Delete some under Server Settings → Invites, then try again.")
	case classGuilds:
		return errs.E(errs.GuildJoinDenied,
			"You are in as many servers as Discord allows. Leave one, then open this link again.")
	case classMembers:
		return errs.E(errs.GuildJoinDenied,
			"This server is as large as Discord allows, so nobody can join it. Ask somebody who manages it.")
	case classFull:
		return errs.E(errs.Invalid,
			"Discord allows no more of these. Remove one that is not needed any more, then try again.")
	case classSlow:
		return errs.E(errs.RateLimited, "Discord asks Snug to slow down. Please try again in a moment.")
	case classDirectSlow:
		return errs.E(errs.RateLimited,
			"Discord lets Snug write to nobody new for a while. Please try again later, or tell them yourself.")
	case classOff:
		return errs.E(errs.RateLimited, "Discord has switched this off for the time being. Please try again later.")
	}
	return explainedPerson(c, doing)
}

// explainedPerson gives the sentences about people, words, and what nobody can mend by asking again.
func explainedPerson(c class, doing string) *errs.Error {
	switch c {
	case classNoDirect:
		return errs.E(errs.Forbidden, "This user takes no direct messages from here.")
	case classNoShared:
		return errs.E(errs.Forbidden,
			"Snug is in no server with this user, so it cannot write to them. They have to join this server first.")
	case classWords:
		return errs.E(errs.Invalid,
			"Discord does not allow these words here. Choose others: a server's AutoMod may block some, and servers in Server Discovery may not use all.")
	case classNotInVoice:
		return errs.E(errs.NotInVoice, "You are not connected to voice.")
	case classBanned:
		return errs.E(errs.GuildJoinDenied,
			"You are banned from this server, so you cannot join it. If you think that is a mistake, ask somebody who manages it.")
	case classAccount:
		return errs.E(errs.GuildJoinDenied,
			"Discord does not let your account do that yet: it may have to be verified first. See what Discord's app asks of you, then try again.")
	case classSignIn:
		return errs.E(errs.GuildJoinDenied,
			"Your sign-in does not let Snug bring you into the server. Sign in again, then open this link once more.")
	case classToken:
		return errs.E(errs.Internal,
			"Discord does not accept Snug's own sign-in. Please tell whoever runs Snug: “snug doctor” says what to do.")
	case classBoosts:
		return errs.E(errs.Forbidden,
			"This server's boost level or settings do not allow that. Ask somebody who manages the server.")
	}
	return errs.E(errs.Internal, "Discord refused when Snug tried to %s. Please tell whoever runs Snug.",
		errs.Term(doing))
}

// ofStatus gives the class of a refusal whose code says nothing, by its HTTP status.
func ofStatus(status int) class {
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
