package message

// The actions of components and modals, as their custom ids name them, that
// are named in more than one place. Beside them a [room.Action] is one. What
// messages in Discord carry stays as it is: old messages are pressed, too.
const (
	ActionRename       = "rename"
	ActionRenameSubmit = "named"
	ActionSeats        = "seats"
	ActionSeatsSubmit  = "seated"
	ActionStatus       = "status"
	ActionStatusSubmit = "stated"
	ActionInvite       = "invite"
	ActionInfo         = "info"
	ActionKeep         = "keep"
	ActionClose        = "close"
	ActionCloseNow     = "close-now"
	ActionTransferNow  = "transfer-now"
	ActionCancel       = "stays"
	ActionPerson       = "person"
	ActionLetIn        = "let-in"
	ActionNotNow       = "not-now"
	ActionAdmit        = "admit"
	ActionUnban        = "unban"
	ActionCard         = "card"
	ActionJoin         = "join"
	ActionKnock        = "knock"
	ActionWait         = "wait"
	ActionUnwait       = "unwait"
	ActionForget       = "forget"
	ActionSetup        = "setup"
	ActionSetupNow     = "setup-now"
	ActionGroup        = "group"
	ActionGroups       = "groups"
	ActionSave         = "save"
	ActionRepair       = "repair"
	ActionMend         = "mend"
	ActionMendRisky    = "mend-risky"
)
