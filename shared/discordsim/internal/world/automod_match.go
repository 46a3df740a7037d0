package world

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Stand for what only Discord knows: the words of its lists, by their number, and what it takes for spam.
var (
	presetWords = map[int]string{1: "simulated-profanity", 2: "simulated-sexual-content", 3: "simulated-slur"}
	spamWords   = []string{"*simulated-spam*"}
)

// span is a part of a text, in characters.
type span struct{ from, to int }

// match looks for what triggers a rule in a text, and returns the rule's keyword or pattern and the part of the text.
// A part that is within one that the rule allows doesn't trigger it.
func (r *ModRule) match(text string) (keyword, part string, is bool) {
	all, lower := []rune(text), []rune(text)
	for i, c := range lower {
		lower[i] = unicode.ToLower(c)
	}
	var allowed []span
	for _, word := range r.Trigger.Allowed {
		allowed = append(allowed, keywordIn(lower, word)...)
	}
	forbidden := func(p span) bool {
		return !slices.ContainsFunc(allowed, func(a span) bool { return a.from <= p.from && p.to <= a.to })
	}
	for _, word := range r.words() {
		list := keywordIn(lower, word)
		if i := slices.IndexFunc(list, forbidden); i >= 0 {
			return word, string(all[list[i].from:list[i].to]), true
		}
	}
	for _, pattern := range r.Trigger.Patterns {
		list := patternIn(text, pattern)
		if i := slices.IndexFunc(list, forbidden); i >= 0 {
			return pattern, string(all[list[i].from:list[i].to]), true
		}
	}
	return "", "", false
}

// words are what a rule looks for, with asterisks.
func (r *ModRule) words() []string {
	if r.Kind == TriggerSpam {
		return spamWords
	}
	list := slices.Clone(r.Trigger.Keywords)
	for _, p := range r.Trigger.Presets {
		list = append(list, "*"+presetWords[p]+"*")
	}
	return list
}

// keywordIn finds a keyword in a lower-case text: as whole words between white space, or where it has an asterisk, as
// the beginning, the end or another part of words ("Keyword Matching Strategies").
func keywordIn(text []rune, keyword string) (list []span) {
	rest, later := strings.CutPrefix(strings.ToLower(keyword), "*")
	rest, longer := strings.CutSuffix(rest, "*")
	word := []rune(rest)
	for i := 0; len(word) > 0 && i+len(word) <= len(text); i++ {
		j := i + len(word)
		if slices.Equal(text[i:j], word) && (later || i == 0 || unicode.IsSpace(text[i-1])) &&
			(longer || j == len(text) || unicode.IsSpace(text[j])) {
			list = append(list, span{i, j})
		}
	}
	return list
}

// ModPattern reads a rule's pattern. Discord's are Rust's, which differ from Go's in little: a few are refused here.
// That they don't distinguish upper and lower case either is a guess.
func ModPattern(pattern string) (*regexp.Regexp, error) { return regexp.Compile("(?i)" + pattern) }

func patternIn(text, pattern string) (list []span) {
	re, err := ModPattern(pattern)
	if err != nil {
		return nil // of a snapshot, nobody knows from where
	}
	for _, at := range re.FindAllStringIndex(text, -1) {
		from := utf8.RuneCountInString(text[:at[0]])
		list = append(list, span{from, from + utf8.RuneCountInString(text[at[0]:at[1]])})
	}
	return list
}
