package moderation

import (
	"math/rand/v2"
	"strings"
)

// chat gives a harmless message: a phrase with its slots filled.
func chat(r *rand.Rand) string {
	text := pick(r, phrases)
	for _, slot := range slots {
		for strings.Contains(text, slot.name) {
			text = strings.Replace(text, slot.name, pick(r, slot.words), 1)
		}
	}
	switch r.IntN(8) {
	case 0:
		text = strings.ToUpper(text[:1]) + text[1:] + "!"
	case 1:
		text += " lol"
	case 2:
		text += " :)"
	}
	return text
}

var phrases = []string{
	"anyone up for a round of $game tonight?", "good morning all, how is everybody?", "that last match of $game was so close",
	"i just finished $show and i have questions", "what do you put in your $dish?", "my $dish came out terrible again, i give up",
	"has anybody tried the new update of $game", "the weather here is $weather today", "can someone help me with $tool please",
	"$tool keeps crashing on start, any idea why?", "thanks, that fixed it", "you are a life saver", "the concert of $band was amazing",
	"new song by $band is out and it is $good", "i would kill for a $dish right now", "this level of $game is killing me",
	"my neighbour's dog is an absolute menace and i love him", "we got destroyed in $game yesterday, what a night",
	"who is watching $show later", "no spoilers for $show please", "i have to work late again", "the train was $late today",
	"happy birthday!!", "congrats on the new job", "that is a $good idea", "i disagree, but fair enough", "does anyone remember how to do this in $tool",
	"selling two tickets for $band on friday", "looking for a team in $game, i play support", "my cat walked over the keyboard, sorry",
	"the recipe says $number minutes but mine took twice that", "see you on $day", "who is hosting on $day?", "i hate mondays",
	"this bug is driving me mad", "stupid printer ate my homework again", "gg everyone", "brb getting a $dish", "what a $good goal that was",
	"is the server down for anyone else?", "try to turn it off and on again", "the patch notes are $number pages long",
	"the mayor said the bridge opens on $day", "our street flooded, it was on the news", "the exhibition about immigrants from the twenties is $good",
	"the women's final starts in $number minutes", "there is a fundraiser for the hospital on $day", "my grandmother taught me that $dish",
}

var slots = []struct {
	name  string
	words []string
}{
	{"$game", []string{"chess", "the racing game", "the space one", "that card game", "battle boats", "the farm thing", "go"}},
	{"$show", []string{"the baking show", "that detective series", "the documentary about whales", "season two", "the finale"}},
	{"$dish", []string{"lasagna", "curry", "pancakes", "noodle soup", "chili", "bread", "coffee", "salad", "dumplings"}},
	{"$tool", []string{"the editor", "my router", "the spreadsheet", "git", "the installer", "the calendar app"}},
	{"$band", []string{"the quartet", "that brass band", "the school choir", "the drummers", "the headliner"}},
	{"$weather", []string{"lovely", "awful", "so hot", "freezing", "grey"}},
	{"$good", []string{"great", "really good", "brilliant", "not bad", "lovely", "mad"}},
	{"$late", []string{"late", "on time for once", "full", "cancelled"}},
	{"$number", []string{"ten", "20", "45", "3", "a dozen"}},
	{"$day", []string{"friday", "saturday", "sunday", "tuesday", "the 5th"}},
}

// raidCalls are what the accounts of a raid write, each in their own spelling.
var raidCalls = []string{
	"this channel is dead everybody leave and come to our server now",
	"nobody wants you here losers close this channel today",
	"the owners of this place are clowns spread the word and get out",
}

// vary changes a word or two of a call, as raiders do to get past a filter.
func vary(r *rand.Rand, call string) string {
	words := strings.Fields(call)
	for range 1 + r.IntN(2) {
		i := r.IntN(len(words))
		switch r.IntN(3) {
		case 0:
			words[i] = strings.ToUpper(words[i])
		case 1:
			words[i] += pick(r, []string{"!", "!!", "..", " lol"})
		default:
			words[i] += words[i][len(words[i])-1:]
		}
	}
	return strings.Join(words, " ")
}
