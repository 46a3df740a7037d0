package world

import "testing"

// TestModKeywords: what a rule's keywords and patterns find ("Keyword Matching Strategies").
func TestModKeywords(t *testing.T) {
	t.Parallel()
	words := func(list ...string) ModTrigger { return ModTrigger{Keywords: list} }
	for _, tc := range []struct {
		name       string
		trigger    ModTrigger
		text, part string // empty: nothing is found
	}{
		{"a word", words("cat"), "My CAT sleeps", "CAT"},
		{"the whole text", words("cat"), "cat", "cat"},
		{"only part of a word", words("cat"), "locate catch copycat", ""},
		{"a word beside a sign, which is no white space", words("cat"), "cat!", ""},
		{"a phrase", words("the mat"), "on the mat", "the mat"},
		{"a beginning", words("tra*"), "a TRAin", "TRA"},
		{"a beginning within a word", words("tra*"), "extra", ""},
		{"the beginning of a phrase", words("the mat*"), "the matrix", "the mat"},
		{"an end", words("*tra"), "orchesTRA pit", "TRA"},
		{"an end within a word", words("*tra"), "train", ""},
		{"anywhere", words("*cat*"), "eduCation", "Cat"},
		{"anywhere in a phrase", words("*the mat*"), "breathe matter", "the mat"},
		{"an asterisk alone", words("*", "**"), "anything * at all", ""},
		{"with letters of several bytes", words("çà*"), "là ÇÀ va", "ÇÀ"},
		{"the second keyword", words("dog", "cat"), "a cat", "cat"},
		{"a pattern", ModTrigger{Patterns: []string{"(b|c)at"}}, "çombat", "bat"},
		{"a pattern in capitals", ModTrigger{Patterns: []string{"^h+$"}}, "HHH", "HHH"},
		{"a pattern that isn't there", ModTrigger{Patterns: []string{"^h+$"}}, "oh", ""},
		{"what is allowed", ModTrigger{Keywords: []string{"*cat*"}, Allowed: []string{"education"}}, "education", ""},
		{"something else beside it", ModTrigger{Keywords: []string{"*cat*"}, Allowed: []string{"education"}},
			"education of cats", "cat"},
		{"a pattern that is allowed", ModTrigger{Patterns: []string{"c.t"}, Allowed: []string{"cut"}}, "a cut", ""},
		{"a preset", ModTrigger{Presets: []int{1, 3}}, "Simulated-Slur!", "Simulated-Slur"},
		{"another preset", ModTrigger{Presets: []int{1}}, "simulated-slur", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := ModRule{Kind: TriggerKeyword, Trigger: tc.trigger}
			if _, part, is := r.match(tc.text); part != tc.part || is != (tc.part != "") {
				t.Errorf("%q %t", part, is)
			}
		})
	}
}
