package schema

import "strings"

// CustomPart is what members set of a room's name, as a name template has it.
const CustomPart = "{custom}"

// Frame is the part of a room's name that stays as the name template made it, around CustomPart. "" leaves all of the
// name to members.
type Frame string

// Around gives the name with this custom part. A whole name, as people may type one, gets no second frame.
func (f Frame) Around(part string) string {
	before, after, framed := strings.Cut(string(f), CustomPart)
	if !framed || part == "" {
		return part
	}
	return before + f.Part(part) + after
}

// Part gives the custom part of a name; a name outside of the frame is one by itself.
func (f Frame) Part(name string) string {
	before, after, framed := strings.Cut(string(f), CustomPart)
	if framed && len(name) > len(before)+len(after) && strings.HasPrefix(name, before) &&
		strings.HasSuffix(name, after) {
		return name[len(before) : len(name)-len(after)]
	}
	return name
}
