"""Branches by `switch` and `ifelse`."""

from eparch import Flow, Parameter, ifelse, merge, switch, task


@task
def say(word):
    return word


@task
def is_short(word):
    return len(word) < 5


with Flow("conditional switch") as flow:
    language = Parameter("language", default="en")
    english, latin = say("hello"), say("salve")
    switch(language, {"en": english, "la": latin})
    word = merge(english, latin)
    yes, no = say("short"), say("long")
    ifelse(is_short(word), yes, no)
    merge(yes, no)

RUNS = [{}, {"language": "la"}, {"language": "el"}]
EXPECTED = ["Success", "Success", "Success"]
