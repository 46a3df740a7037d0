package guild

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"snug/shared/errs"
	"snug/shared/schema"
)

// maxWordLength bounds one of the words of a setting, in characters.
const maxWordLength = 50

func checkList(row schema.Setting, words []string) error {
	if len(words) > row.Max {
		return errs.Field(row.Name, "List up to %d words.", row.Max)
	}
	for _, w := range words {
		if strings.TrimSpace(strings.Trim(w, "*")) == "" || !utf8.ValidString(w) ||
			utf8.RuneCountInString(w) > maxWordLength {
			return errs.Field(row.Name, "Each entry of “%s” must have 1 to %d characters.", errs.Label(row.Label()),
				maxWordLength)
		}
	}
	return nil
}

// Blocked says whether a text has one of the words, however it is disguised:
// in capitals, with accents, in look-alike letters of other alphabets, with
// digits for letters, stretched or spaced out. A word is found as a whole
// word; written *word* it is found inside others too. It gives the word.
func Blocked(text string, words []string) (string, bool) {
	if len(words) == 0 {
		return "", false
	}
	plain := fold(text)
	runs := spelled(plain)
	for _, w := range words {
		inside := strings.HasPrefix(w, "*") && strings.HasSuffix(w, "*") && len(w) > 2
		f := fold(strings.Trim(w, "*"))
		key := strings.Join(f, " ")
		switch {
		case key == "":
		case contains(plain, f), contains(squeezed(plain), squeezed(f)), within(runs, strings.Join(f, "")):
			return w, true
		case inside && (strings.Contains(strings.Join(plain, ""), strings.Join(f, "")) ||
			strings.Contains(strings.Join(squeezed(plain), ""), strings.Join(squeezed(f), ""))):
			return w, true
		}
	}
	return "", false
}

// fold gives the words of a text in plain small letters.
func fold(text string) []string {
	var b strings.Builder
	runes := []rune(norm.NFKD.String(text))
	for i, r := range runes {
		r = unicode.ToLower(r)
		// At the end of a word these are what they are: "Badger!" ends in no i.
		ends := strings.ContainsRune("!|+×", r) &&
			(i+1 == len(runes) || !unicode.IsLetter(runes[i+1]) && !unicode.IsDigit(runes[i+1]))
		if as, ok := lookalikes[r]; ok && !ends {
			r = as
		}
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), unicode.Is(unicode.Cf, r):
			// accents, joiners, invisible marks
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// spelled joins the runs of single letters: "b a d" is "bad".
func spelled(words []string) (runs []string) {
	run := ""
	for _, w := range append(words[:len(words):len(words)], "end") {
		if utf8.RuneCountInString(w) == 1 {
			run += w
			continue
		}
		if utf8.RuneCountInString(run) > 1 {
			runs = append(runs, run)
		}
		run = ""
	}
	return runs
}

// within says whether a word is in one of the texts.
func within(texts []string, word string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, word) })
}

// squeezed gives each word with stretched letters once: "baaad" is "bad".
func squeezed(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		var b strings.Builder
		last := rune(-1)
		for _, r := range w {
			if r != last {
				b.WriteRune(r)
			}
			last = r
		}
		out[i] = b.String()
	}
	return out
}

// contains says whether the words of f follow each other in text.
func contains(text, f []string) bool {
	for i := 0; i+len(f) <= len(text); i++ {
		same := true
		for j := range f {
			same = same && text[i+j] == f[j]
		}
		if same {
			return true
		}
	}
	return false
}

// lookalikes are letters and digits that are read as Latin letters and that
// compatibility decomposition leaves as they are.
var lookalikes = func() map[rune]rune {
	m := map[rune]rune{}
	for latin, others := range map[rune]string{
		'a': "4@аαɑд", 'b': "8вьβ", 'c': "сϲ¢", 'd': "ԁđð", 'e': "3еєэεёə", 'f': "ƒ", 'g': "9ɡ", 'h': "һнħ",
		'i': "1!|іıιїł", 'j': "ј",
		'k': "кκ", 'l': "ⅼ", 'm': "мμ", 'n': "пηñ", 'o': "0оοσøө", 'p': "рρþ", 'q': "ԛ", 'r': "гя", 's': "5$ѕß",
		't': "7тτ+", 'u': "υцս",
		'v': "ѵν", 'w': "ѡшωщ", 'x': "хχ×", 'y': "уγү", 'z': "2ᴢ",
	} {
		for _, r := range others {
			m[r] = latin
		}
	}
	return m
}()
