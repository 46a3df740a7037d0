package lenient

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"

	"github.com/disgoorg/disgo/discord"
)

// substitutes are what channels of an unknown type are read as. Nothing in Snug
// is done to a media channel, so that such a channel is named and counted and
// otherwise let alone. Where an interaction came from, people can write.
var substitutes = map[reflect.Type]discord.ChannelType{
	reflect.TypeFor[discord.UnmarshalChannel]():   discord.ChannelTypeGuildMedia,
	reflect.TypeFor[discord.InteractionChannel](): discord.ChannelTypeGuildText,
}

// plain are the fields that all channels have.
var plain = []string{"id", "guild_id", "name", "position", "parent_id", "permission_overwrites", "permissions", "flags"}

// substitute finds something that can be read in place of a value whose type refused it.
func substitute(data []byte, to reflect.Value, err error) error {
	if to.Type() == reflect.TypeFor[discord.Permissions]() {
		return lowBits(data, to, err)
	}
	as, ok := substitutes[to.Type()]
	var fields map[string]json.RawMessage
	if !ok || json.Unmarshal(data, &fields) != nil {
		return err
	}
	var t int
	if json.Unmarshal(fields["type"], &t) != nil {
		return err
	}
	known := map[string]any{"type": as}
	for _, name := range plain {
		if v, there := fields[name]; there {
			known[name] = v
		}
	}
	b, _ := json.Marshal(known)
	if bad := strictly(b, to.Addr().Interface()); bad != nil {
		to.SetZero()
		return err
	}
	tell(to.Type(), "", err)
	return nil
}

// lowBits reads a number that is too large for 63 bits without the bits
// beyond them: permissions and flags are bits, and those nobody here knows.
func lowBits(data []byte, to reflect.Value, err error) error {
	n, ok := new(big.Int).SetString(strings.Trim(string(data), `"`), 10)
	if !ok || n.Sign() < 0 || n.IsInt64() {
		return err
	}
	low := new(big.Int).And(n, big.NewInt(1<<63-1)).Int64()
	if to.OverflowInt(low) {
		return err
	}
	to.SetInt(low)
	tell(to.Type(), "", err)
	return nil
}
