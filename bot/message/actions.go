package message

// The actions of components and modals, as their custom IDs name them, besides the names of [schema.Actions]. What
// messages in Discord carry stays as it is: people press buttons on old messages, too.
const (
	ActionInvite    = "invite"
	ActionInfo      = "info"
	ActionKeep      = "keep"
	ActionClose     = "close"
	ActionCloseNow  = "close-now"
	ActionCancel    = "stays"
	ActionPerson    = "person"
	ActionLetIn     = "let-in"
	ActionNotNow    = "not-now"
	ActionAdmit     = "admit"
	ActionChosen    = "chosen"
	ActionJoin      = "join"
	ActionKnock     = "knock"
	ActionWait      = "wait"
	ActionUnwait    = "unwait"
	ActionForget    = "forget"
	ActionSetup     = "setup"
	ActionSetupNow  = "setup-now"
	ActionGroup     = "group"
	ActionGroups    = "groups"
	ActionSave      = "save"
	ActionRepair    = "repair"
	ActionMend      = "mend"
	ActionMendRisky = "mend-risky"
)
