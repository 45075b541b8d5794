"""Names for runs that nobody has named: an adjective and an animal.

In charge of the words; not in charge of randomness, which callers pass in.
"""

from typing import Final

_ADJECTIVE_WORDS: Final = """
able agile alert amber ample ancient apt arctic astral azure balmy blithe bold brave breezy bright brisk bronze calm
candid careful cheerful chief civil clear clever copper coral cosmic cosy crisp curious dapper daring dashing deft
devoted diligent dreamy eager early earnest easy electric elegant emerald even exact fabled fair faithful famous
fancy fearless fine firm fleet fluent fond frank free fresh friendly frosty gallant gentle gifted glad golden
graceful grand grateful great green handy happy hardy hearty helpful honest humble ideal indigo jolly jovial joyful
keen kind lavish lively loyal lucid lucky lunar magic mellow merry mighty mindful modest neat nimble noble novel
open orange patient peaceful perky placid pleasant plucky polar polite prime proud prudent pure quick quiet radiant
rapid ready regal robust rosy royal ruby rustic sage sandy scarlet secret serene sharp silent silver simple sincere
sleek smart smooth snowy solar solid sonic sparkling spirited spry stable steady sterling stout subtle sunny super
sure swift tender thankful tidy topaz tranquil trusty upbeat urbane valiant velvet vibrant vivid warm wise witty
worthy young zealous zesty
"""

_ANIMAL_WORDS: Final = """
albatross alpaca anchovy antelope axolotl badger barracuda bat bear beaver bee beetle bison bluebird boar bobcat
buffalo bumblebee butterfly camel capybara caracal cardinal caribou cat catfish chameleon cheetah chickadee
chinchilla chipmunk cicada cobra cod condor coyote crab crane cricket crocodile crow cuckoo curlew deer dingo
dolphin donkey dormouse dove dragonfly duck eagle echidna eel egret elephant elk emu falcon ferret finch firefly
flamingo fox frog gazelle gecko gerbil gibbon giraffe goat goldfish goose gopher grasshopper grebe grouse gull
hamster hare hawk hedgehog heron herring hippo hornet horse hummingbird ibex ibis iguana impala jackal jackdaw
jaguar jay jellyfish kangaroo kestrel kingfisher kite kiwi koala kudu ladybird lark lemming lemur leopard lion
lizard llama lobster loon lynx macaw mackerel magpie mallard mammoth manatee marlin marmot marten meerkat mole
mongoose moose mouse narwhal newt nightingale numbat ocelot octopus okapi opossum orca oriole oryx osprey ostrich
otter owl ox oyster panda panther parrot partridge peacock pelican penguin perch pheasant pigeon pika platypus
plover polecat pony porcupine porpoise puffin puma python quail quokka rabbit raccoon raven ray reindeer robin rook
salamander salmon sandpiper seahorse seal serval shark sheep shrew skylark sloth snail sparrow squid squirrel
stallion starfish starling stingray stork sturgeon swallow swan swift tapir tern tiger toad tortoise toucan trout
tuna turtle viper vole wallaby walrus warbler wasp weasel whale wildcat wolf wolverine wombat woodpecker wren yak
zebra
"""

_ADJECTIVES: Final = _ADJECTIVE_WORDS.split()
_ANIMALS: Final = _ANIMAL_WORDS.split()


def run_name(entropy: int) -> str:
    """Return a name such as `brisk-otter`, lower-case.

    Args:
        entropy: uniform random integer; the forty thousand names share its values evenly if it has 64 bits.
    """
    animals, adjective = divmod(entropy, len(_ADJECTIVES))
    return f"{_ADJECTIVES[adjective]}-{_ANIMALS[animals % len(_ANIMALS)]}"
