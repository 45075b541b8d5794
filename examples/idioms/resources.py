"""A resource that is set up before its users and cleaned up whatever they do."""

from eparch import Flow, Parameter, case, resource_manager, task

SEEN = []


@resource_manager
class Cluster:
    def __init__(self, size):
        self.size = size
        if size == 0:
            raise ValueError("no cluster of nothing")

    def setup(self):
        if self.size == 1:
            raise RuntimeError("too small")
        return "cluster of %d" % self.size

    def cleanup(self, cluster):
        SEEN.append(cluster)


@task
def use(cluster, fail):
    if fail:
        raise ValueError("failed on " + cluster)
    return "used " + cluster


@task
def inside():
    return "inside"


@task
def outside(x):
    return x


with Flow("resources") as flow:
    size, fail = Parameter("size", default=3), Parameter("fail", default=False)
    with Cluster(size=size) as cluster:
        used = use(cluster, fail)
        inside()
        with case(fail, False):
            inside()
    outside(used)

RUNS = [{}, {"fail": True}, {"size": 1}, {"size": 0}]
EXPECTED = ["Success", "Failed", "Failed", "Failed"]
